"""The closed list of pages that need no login: a sealed link or a signature stands for one."""
