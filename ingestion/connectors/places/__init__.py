"""Places hold files: a folder, an SFTP or FTP server, an object store; each is looked at and read, never written to."""
