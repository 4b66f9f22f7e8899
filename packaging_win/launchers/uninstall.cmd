@echo off
call "%~dp0jqfollow.cmd" portable uninstall
if errorlevel 1 goto end
ping -n 3 127.0.0.1 >nul
rd /s /q "%~dp0versions"
if exist "%~dp0extra" rd /s /q "%~dp0extra"
del "%~dp0current.txt"
pause
(goto) 2>nul & del "%~dp0*.cmd"
:end
pause
