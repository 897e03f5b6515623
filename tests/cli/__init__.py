"""The command line, each command as people run it: a process with arguments, output and an exit code."""
