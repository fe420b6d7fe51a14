use dockline::ports::Entropy;

/// Returns a random number from 0 to 1; a half if there is no randomness.
pub(crate) fn fraction(entropy: &dyn Entropy) -> f64 {
    let mut bytes = [0; 4];
    match entropy.fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}
