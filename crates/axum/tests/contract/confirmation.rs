//! The lured administrator (`design.md` §3; L-67, I2): nothing is tied without Confirm, from the browser that was
//! asked, with the ticket of the open question.

use crate::answer::Answer;
use crate::world::{Choice, RETURN_URL, Tenant, World};

/// The state is not tied: the post is refused.
async fn nothing_is_tied(world: &World, tenant: &Tenant, installation: u64, state: &str) {
    let answer = world.register(tenant, installation, state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["installationId not_claimable"]);
}

#[tokio::test]
async fn the_question_names_the_strangers_organization_and_without_an_answer_nothing_is_tied() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    // Mallory's organization sends its install link to olga, who follows it.
    let state = world.fresh_state(&world.rival).await;
    let page = world.browser("olga").arrive_with(installation, &state).await.expect(200);
    assert!(page.text.contains("Rival Roasters"), "{}", page.text);
    assert!(page.text.contains("acme-coffee"), "{}", page.text);
    nothing_is_tied(&world, &world.rival, installation, &state).await;
}

#[tokio::test]
async fn an_answer_from_another_browser_ties_nothing() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.rival).await;
    let page = world.browser("olga").arrive_with(installation, &state).await.expect(200);
    // Mallory saw olga's page, ticket and all, but has no cookie, or one of her own.
    let mallory = world.browser("mallory");
    mallory.answer(&page, "confirm").await.expect(422);
    let own_installation = world.installed("mallory-inc", "mallory");
    let own_state = world.fresh_state(&world.rival).await;
    mallory.arrive_with(own_installation, &own_state).await.expect(200);
    mallory.answer(&page, "confirm").await.expect(422);
    nothing_is_tied(&world, &world.rival, installation, &state).await;
}

#[tokio::test]
async fn a_ticket_is_good_once() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let olga = world.browser("olga");
    let first = olga.arrive_with(installation, &state).await.expect(200);
    // A later visit takes the question's place.
    let second = olga.arrive_with(installation, &state).await.expect(200);
    olga.answer(&first, "confirm").await.expect(422);
    nothing_is_tied(&world, &world.acme, installation, &state).await;
    olga.answer(&second, "confirm").await.expect(303);
    let replayed = olga.answer(&second, "confirm").await.expect(422);
    assert!(replayed.text.contains("answered before"), "{}", replayed.text);
}

#[tokio::test]
async fn cancel_uses_the_state_up() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let olga = world.browser("olga");
    let page = olga.arrive_with(installation, &state).await.expect(200);
    let back = olga.answer(&page, "cancel").await.expect(303);
    assert_eq!(back.header("location"), format!("{RETURN_URL}?error=access_denied&state={state}"));
    let answer = world.register(&world.acme, installation, &state).await.expect_error(422, "VALIDATION");
    assert_eq!(answer.issues(), ["state not_claimable"]);
    olga.arrive_with(installation, &state).await.expect(422);
    // Nor can it be issued anew.
    world.begin(&world.acme, &state).await.expect_error(422, "VALIDATION");
}

/// The cookie does not stand in for state and ticket either (L-23).
#[tokio::test]
async fn only_confirm_and_cancel_are_answers_and_a_late_one_is_none() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let olga = world.browser("olga");
    let page = olga.arrive_with(installation, &state).await.expect(200);
    for answer in ["", "yes", "confirm&answer=cancel"] {
        olga.answer(&page, answer).await.expect(422);
    }
    let stateless = Answer { text: page.text.replace(&state, ""), ..page };
    olga.answer(&stateless, "confirm").await.expect(422);
    let page = olga.arrive_with(installation, &state).await.expect(200);
    world.clock.advance(time::Duration::minutes(15));
    let late = olga.answer(&page, "confirm").await.expect(422);
    assert!(late.text.contains("expired"), "{}", late.text);
}

#[tokio::test]
async fn the_page_cannot_be_framed_or_scripted_and_its_cookie_is_bound_to_host_and_site() {
    let world = World::start().await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let page = world.browser("olga").arrive_with(installation, &state).await.expect(200);
    let policy = page.header("content-security-policy");
    for directive in
        ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self' https:"]
    {
        assert!(policy.split("; ").any(|given| given == directive), "{directive} in {policy}");
    }
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let cookie = page.header("set-cookie");
    assert!(cookie.starts_with("__Host-dockline-visit="), "{cookie}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.split("; ").any(|given| given == attribute), "{attribute} in {cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    assert!(page.text.contains("<html lang=\"en\">") && page.text.contains("<main>"), "{}", page.text);
}

#[tokio::test]
async fn a_browser_gets_a_page_and_a_program_gets_the_envelope() {
    let world = World::start().await;
    let url = world.callback("state=never-issued-to-anybody");
    let page = Answer::of(world.http.get(&url).header("accept", "text/html")).await.expect(422);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert!(page.text.contains("This link is not valid"), "{}", page.text);
    Answer::of(world.http.get(&url)).await.expect_error(422, "VALIDATION");
}

#[tokio::test]
async fn a_host_that_asks_its_own_user_gets_the_tie_without_the_page() {
    let world = World::with(Choice { confirmation: false, ..Choice::default() }).await;
    let installation = world.installed("acme-coffee", "olga");
    let state = world.fresh_state(&world.acme).await;
    let back = world.browser("olga").arrive_with(installation, &state).await.expect(302);
    assert!(back.header("location").starts_with(RETURN_URL), "{back:?}");
    world.register(&world.acme, installation, &state).await.expect(201);
}
