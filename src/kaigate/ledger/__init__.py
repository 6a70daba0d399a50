"""What was used: records, their way into SQL, and reports over them."""
