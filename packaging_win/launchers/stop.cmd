@echo off
pushd "%~dp0"
call .\jqfollow.cmd stop
pause
