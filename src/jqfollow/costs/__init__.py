"""What following cost: shortfall of orders, figures of days, and the page that shows them."""
