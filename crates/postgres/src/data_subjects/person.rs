//! The statement that erases a GitHub user.

/// The account `$1` of a snapshot of the change of `e`, replaced by `$2`; see `Change::forget_account` of the core.
macro_rules! forgotten_account {
    ($snapshot:literal, $login:literal) => {
        concat!(
            "CASE WHEN e.change #> '{",
            $snapshot,
            ",account,id}' = to_jsonb($1) THEN jsonb_set(e.change -> '",
            $snapshot,
            "', '{account}', (e.change #> '{",
            $snapshot,
            ",account}') || jsonb_build_object('id', $2, 'login', ",
            $login,
            ")) ELSE e.change -> '",
            $snapshot,
            "' END"
        )
    };
}

/// `$1` the user, `$2` the pseudonym. The part `named` has the deliveries whose body contains the number. A row of them is
/// changed under the lock of its queue, as everywhere, and only if it is done or dead then.
pub(super) const FORGET: &str = concat!(
    "WITH states AS ( \
      DELETE FROM {schema}.install_states WHERE $1 IN (visit_visitor, visit_account, tie_visitor, tie_account) \
       OR jsonb_path_exists(jsonb_build_array(pending, answered), '$.** ? (@.visitor == $user || @.account == $user)', \
        jsonb_build_object('user', $1)) \
      RETURNING true \
     ), scrubbed AS ( \
      UPDATE {schema}.installations AS i SET ",
    scrubbed!(),
    " WHERE i.account_id = $1 AND i.organization IS NULL RETURNING i.app, i.installation_id \
     ), ",
    without_installations!(),
    ", suspenders AS ( \
      UPDATE {schema}.installation_facts AS f SET facts = jsonb_set(f.facts, '{suspendedBy}', 'null') \
      WHERE f.facts -> 'suspendedBy' -> 'id' = to_jsonb($1) \
       AND NOT EXISTS (SELECT FROM scrubbed AS s WHERE s.app = f.app AND s.installation_id = f.installation_id) \
     ), renamed AS ( \
      UPDATE {schema}.installers AS f SET installer = $2 WHERE f.installer = $1 \
       AND NOT EXISTS (SELECT FROM scrubbed AS s WHERE s.app = f.app AND s.installation_id = f.installation_id) \
      RETURNING true \
     ), history AS ( \
      UPDATE {schema}.bindings SET proven_by = $2 WHERE proven_by = $1 RETURNING true \
     ), named AS MATERIALIZED ( \
      SELECT app, organization, sequence FROM {schema}.outbox_bodies \
      WHERE CASE WHEN position(convert_to($1::text, 'UTF8') IN body) > 0 \
       THEN convert_from(body, 'UTF8') ~ ('(^|[^0-9])' || $1::text || '([^0-9]|$)') ELSE false END \
     ), changed AS MATERIALIZED ( \
      SELECT e.app, e.organization, e.sequence FROM {schema}.outbox_entries AS e \
      WHERE (e.change #> '{before,account,id}' = to_jsonb($1) OR e.change #> '{after,account,id}' = to_jsonb($1)) \
       AND NOT EXISTS (SELECT FROM {schema}.installations AS i WHERE i.app = e.app \
        AND i.installation_id = e.installation_id AND i.organization IS NOT NULL) \
     ), locked AS MATERIALIZED ( \
      SELECT app, organization FROM {schema}.outbox_queues WHERE (app, organization) IN ( \
       SELECT app, organization FROM named UNION SELECT app, organization FROM changed) \
      ORDER BY app, organization FOR UPDATE \
     ), emptied AS ( \
      UPDATE {schema}.outbox_entries AS e SET has_body = false FROM named JOIN locked USING (app, organization) \
      WHERE e.app = named.app AND e.organization = named.organization AND e.sequence = named.sequence \
       AND e.status IN ('done', 'dead') \
      RETURNING e.app, e.organization, e.sequence \
     ), bodies AS ( \
      DELETE FROM {schema}.outbox_bodies AS b USING emptied AS e \
      WHERE b.app = e.app AND b.organization = e.organization AND b.sequence = e.sequence \
     ), replaced AS ( \
      UPDATE {schema}.outbox_entries AS e SET change = e.change || jsonb_build_object('before', ",
    forgotten_account!(
        "before",
        "CASE WHEN e.change #> '{before,account,login}' IS DISTINCT FROM e.change #> '{after,account,login}' \
          THEN 'forgotten-before' ELSE 'forgotten' END"
    ),
    ", 'after', ",
    forgotten_account!("after", "'forgotten'"),
    ") FROM changed JOIN locked USING (app, organization) \
      WHERE e.app = changed.app AND e.organization = changed.organization AND e.sequence = changed.sequence \
      RETURNING true \
     ) SELECT 0::bigint AS keys, (SELECT count(*) FROM states) AS states, \
      (SELECT count(*) FROM emptied) + (SELECT count(*) FROM replaced) AS messages, \
      (SELECT count(*) FROM named) - (SELECT count(*) FROM emptied) AS still_waiting, \
      (SELECT count(*) FROM history) AS bindings, (SELECT count(*) FROM scrubbed) AS installations, \
      (SELECT count(*) FROM installers) + (SELECT count(*) FROM renamed) AS installers, \
      (SELECT count(*) FROM {schema}.installations WHERE account_id = $1 AND organization IS NOT NULL) AS still_bound"
);
