//! speaks for one participant: keys, signing, submission, following.
