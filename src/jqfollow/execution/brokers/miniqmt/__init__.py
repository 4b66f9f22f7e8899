"""MiniQMT, the broker's terminal, through its SDK `xtquant`."""
