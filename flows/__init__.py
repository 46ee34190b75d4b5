"""When and in what order the stages run."""
