"""The thin frame around all rooms: command line, workspace, pipeline, publishing."""
