//! a validator or an observer: sockets, disks, clocks; no decisions.
