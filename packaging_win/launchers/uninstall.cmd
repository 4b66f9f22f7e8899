@echo off
rem By its relative name: a percent sign in the folder's name would not come through a second "call".
pushd "%~dp0"
call .\jqfollow.cmd portable uninstall %*
if errorlevel 1 goto end
ping -n 3 127.0.0.1 >nul
rd /s /q versions
if exist extra rd /s /q extra
del current.txt jqfollow.cmd
popd
pause
(goto) 2>nul & del "%~f0"
:end
pause
