"""One module a lane; `reliability.__main__` names them."""
