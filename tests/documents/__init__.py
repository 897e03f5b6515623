"""Documents of a ticket's steps, from templates as an operator has them."""
