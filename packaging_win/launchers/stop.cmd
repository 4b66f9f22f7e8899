@echo off
call "%~dp0jqfollow.cmd" stop
pause
