"""The pages people see: the citizen's form and tracking page, and the console of those who work on tickets."""
