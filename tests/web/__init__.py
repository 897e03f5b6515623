"""The pages and the JSON API, over a real server and a real database."""
