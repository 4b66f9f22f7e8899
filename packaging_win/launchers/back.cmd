@echo off
pushd "%~dp0"
call .\jqfollow.cmd portable back
pause
