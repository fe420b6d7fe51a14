use crate::fault::GithubFault;

/// For a number that should be an id.
pub(super) fn out_of_range() -> GithubFault {
    GithubFault::not_githubs("an id that is not from 1 to 2^53-1")
}
