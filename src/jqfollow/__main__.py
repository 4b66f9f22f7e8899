"""`python -m jqfollow`: the command line where the scripts' folder is not on the PATH."""

from jqfollow.cli import main

if __name__ == "__main__":
    main()
