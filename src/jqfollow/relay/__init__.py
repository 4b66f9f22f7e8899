"""The relay: a public server that stores sealed signals until each PC has them in its ledger."""
