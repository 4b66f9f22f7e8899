@echo off
call "%~dp0jqfollow.cmd" start
if errorlevel 1 pause
