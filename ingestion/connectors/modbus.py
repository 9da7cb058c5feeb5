"""x"""

from ingestion.connectors.connector import Connector, Settings

CONNECTOR = Connector(Settings, Settings, lambda *a: iter(()))
