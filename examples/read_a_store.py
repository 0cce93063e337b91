"""Records of a store as a table, by DuckDB: python examples/read_a_store.py runs/edge_of_stability prints one."""

import sys

from genlab import Store

table = Store(sys.argv[1]).query("""
    select conditions.study, settings ->> '$.step_size' as step_size, count(*) as steps, min(loss) as least_loss
    from records join conditions using (condition)
    group by all order by all
""")
for row in table.to_pylist():
    print(row)
