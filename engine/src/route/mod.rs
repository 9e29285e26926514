//! Country to region: the routing map.
