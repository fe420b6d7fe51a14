//! The same 1,000 lives with and without their faults: what single installations and visitors meet at GitHub changes no
//! answer to any other organization (I10, I32).

use dockline_testkit::random::SeedOnFailure;

use crate::lifecycle::lives::{AT_ONCE, Answer, LIVES, Lives, Run, first_seed};

/// Faults of single installations and visitors. A limit of the App's own credential concerns every organization.
const FAULTS: Run = Run { faults: true, limits_of_app: false, pauses_everyone: false };

/// Runs the life of a seed; returns the answers to organizations that no fault was about, and the number of the others.
async fn answers(seed: u64, run: Run) -> (Vec<Answer>, usize) {
    let mut lives = Lives::start(seed, run).await;
    lives.live().await;
    (lives.answers, lives.touched.len())
}

/// The first answer that faults changed, without and with them.
fn first_change<'a>(calm: &'a [Answer], troubled: &'a [Answer]) -> Option<(&'a Answer, &'a Answer)> {
    calm.iter().zip(troubled).find(|(calm, troubled)| calm != troubled)
}

#[tokio::test]
async fn faults_of_single_installations_and_visitors_change_no_answer_to_other_organizations_i32_c09_c10() {
    let (mut compared, mut troubled_installations) = (0, 0);
    for seed in first_seed()..first_seed() + LIVES / AT_ONCE {
        let _seed = SeedOnFailure(seed);
        let (calm, _) = answers(seed, Run { faults: false, ..FAULTS }).await;
        let (troubled, touched) = answers(seed, FAULTS).await;
        assert_eq!(first_change(&calm, &troubled), None);
        assert_eq!(calm.len(), troubled.len());
        compared += calm.len();
        troubled_installations += touched;
    }
    println!("{compared} answers compared, with faults of {troubled_installations} other installations");
    assert!(compared > 5_000 && troubled_installations > 200, "{compared}, {troubled_installations}");
}

/// The negative control.
#[tokio::test]
async fn comparison_finds_a_gateway_that_pauses_everyone_for_one_credential_i32() {
    let mut found = 0;
    for seed in 0..3 {
        let (calm, _) = answers(seed, Run { faults: false, ..FAULTS }).await;
        let (paused, _) = answers(seed, Run { pauses_everyone: true, ..FAULTS }).await;
        found += usize::from(first_change(&calm, &paused).is_some());
    }
    assert_eq!(found, 3);
}
