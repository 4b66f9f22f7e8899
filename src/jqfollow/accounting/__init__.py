"""What a person does about books: closing a drift, setting, moving and adopting shares, corporate actions."""
