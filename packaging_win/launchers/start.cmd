@echo off
pushd "%~dp0"
if not exist jqfollow.cmd goto inside
call .\jqfollow.cmd start
if errorlevel 1 pause
exit /b
:inside
chcp 65001 >nul
echo Unpack the whole zip into a folder first, then double-click there.
echo 请先把整个压缩包解压到一个文件夹，再到那里双击同名的文件
pause
exit /b 2
