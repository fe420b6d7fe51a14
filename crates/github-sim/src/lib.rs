//! A GitHub to develop against.
