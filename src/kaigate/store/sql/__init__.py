"""SQL for what must last: SQLite for one replica, PostgreSQL for several. Engine, tables, migrations; no rule."""
