"""Schema changes in expand/contract steps: a release only adds; what no running release reads any more goes later."""
