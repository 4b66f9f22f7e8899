"""What is installed: `constraints.txt` pins every package with its hashes, `sbom.json` tells scanners of it."""
