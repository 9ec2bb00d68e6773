"""SAQ jobs, one module each."""
