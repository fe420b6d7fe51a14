/// What is wrong with a [`Paper`](super::paper::Paper).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// L-55: any error means that it is gone.
    TakesTroubleForAbsence,
    /// L-34: one kind for all.
    FlattensTrouble,
    /// L-58: until when is made up.
    GuessesTheLimit,
    /// L-08
    TakesMembersForAdministrators,
    /// L-01
    ShowsEverythingToEverybody,
    /// L-17
    TakesCodesTwice,
    /// A made-up code is an error, as if GitHub were down.
    FailsOnRefusedCodes,
    /// I9
    KeepsTokens,
    /// L-42
    RemembersForEver,
    /// L-57
    OverlooksSuspension,
    /// Other Apps' installations are found, too.
    FindsForeignInstallations,
    /// I19
    AsksThrice,
    /// The registration is asked for, over and over.
    AsksForItsRegistration,
    /// L-53: the number is another's.
    MixesAccountsUp,
    /// L-61
    RemovesNothing,
    /// Removed and gone before are one answer.
    AlwaysRemoved,
    /// L-36: the scope is not sent.
    IgnoresNarrowing,
    /// Names are taken for no narrowing at all.
    IgnoresNames,
    /// L-40: a token is given out again and again.
    KeepsInstallationTokens,
    /// L-57
    TakesSuspensionForAbsence,
    /// A refused scope is an error, as if GitHub were down.
    FailsOnRefusedScopes,
    /// GitHub's words are lost.
    SwallowsGithubsWords,
    /// L-01
    MintsForForeigners,
    /// L-47: tokens have forty characters.
    KnowsTheOldFormatOnly,
    /// I14
    ShowsTokens,
    /// A revocation is forgotten.
    RevokesNothing,
    /// A revocation ends all of the installation's tokens.
    RevokesEverything,
    /// What has ended already is an error.
    FailsOnEndedTokens,
    /// Page after page is the first.
    ListsTheFirstPageOnly,
    /// The total is of the page.
    CountsThePageOnly,
    /// Every repository's default branch is `main`.
    AssumesMain,
    /// L-49
    GivesFreshTokensUp,
    /// L-49: whatever their age.
    TriesOldTokensAgain,
    /// A refused token is an error.
    FailsOnRefusedTokens,
    /// The newest installer is everybody's.
    NamesTheLastInstaller,
    /// Later pages of the record are not read.
    ReadsOnePageOfTheRecord,
    /// All pages of the record are.
    ReadsTheWholeRecord,
    /// How much is left is asked for.
    AsksForWhatIsLeft,
}
