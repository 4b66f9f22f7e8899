"""How far each book is from what its strategy asked for, and why."""
