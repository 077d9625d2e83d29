//! The workspace's own tests: the simulated world, conformance, interoperation.
