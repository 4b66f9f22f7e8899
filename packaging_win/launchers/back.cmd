@echo off
call "%~dp0jqfollow.cmd" portable back
pause
