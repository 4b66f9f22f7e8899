@echo off
pushd "%~dp0"
call .\jqfollow.cmd start
if errorlevel 1 pause
