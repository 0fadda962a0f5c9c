//! What is printed for whole runs.
