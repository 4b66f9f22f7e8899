"""What an order can be handed to."""
