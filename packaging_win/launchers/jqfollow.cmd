@echo off
setlocal
set /p VERSION=<"%~dp0current.txt"
set "PORTABLE_JQFOLLOW=%~dp0"
if not defined JQFOLLOW_CONFIG set "JQFOLLOW_CONFIG=%~dp0config.toml"
"%~dp0versions\%VERSION%\python\python.exe" -X utf8 -m jqfollow %*
