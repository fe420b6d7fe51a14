//! Problems of keys and hosts, with fixed texts.

/// Defines an enum of causes with fixed texts: what is wrong, as the end of a sentence about its subject, and what to do.
macro_rules! problem {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $cause:literal, $help:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            /// Returns what is wrong, as the end of a sentence whose subject it does not name.
            #[must_use]
            pub const fn cause(self) -> &'static str {
                match self {
                    $(Self::$variant => $cause,)*
                }
            }

            /// Returns what to do about it.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self {
                    $(Self::$variant => $help,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}: {}", self.cause(), self.help())
            }
        }

        impl std::error::Error for $name {}
    };
}

problem! {
    /// Why a private key cannot be used.
    KeyProblem {
        /// The text has no `-----BEGIN` line.
        NotPem = "is not PEM text",
            "give the content of the .pem file that GitHub generated, not its path, with its line breaks (or \\n)",
        /// The PEM text is truncated or damaged.
        Mangled = "is PEM text that does not decode", "copy the whole .pem file, from its BEGIN line to its END line",
        /// The key is protected by a passphrase.
        Encrypted = "is encrypted", "decrypt it first (openssl rsa -in key.pem -out plain.pem)",
        /// The text is a public key or a certificate.
        Public = "is a public key or a certificate",
            "give the private key that GitHub generated, \"BEGIN RSA PRIVATE KEY\"",
        /// The text is an OpenSSH key.
        OpenSsh = "is an OpenSSH key",
            "give the private key that GitHub generated for the App, \"BEGIN RSA PRIVATE KEY\"",
        /// The key is for another algorithm than RSA.
        NotRsa = "is not an RSA key", "GitHub Apps sign with RS256; generate a key on the App's settings page",
        /// The key has fewer than 2048 bits.
        TooSmall = "has fewer than 2048 bits", "generate a new one on the App's settings page",
        /// The cryptography backend rejects the key.
        Unusable = "is not a usable RSA key (of 2048 to 4096 bits)", "generate a new one on the App's settings page",
    }
}

problem! {
    /// Why a public key cannot be used.
    PublicKeyProblem {
        /// The text is not a public key in PEM.
        NotPublic = "is not a public key in PEM (\"BEGIN PUBLIC KEY\")",
            "export it with openssl rsa -in key.pem -pubout, or from the key management service",
        /// The key is for another algorithm than RSA.
        NotRsa = "is not an RSA key", "GitHub Apps sign with RS256; export the public half of the App's key",
    }
}

problem! {
    /// Why a host cannot be used.
    HostProblem {
        /// The text is not `HOST`, `HOST:PORT` or an https URL of one.
        Malformed = "is not a host name or an https URL without path, user, query and fragment",
            "write it as in github.example.com",
        /// The host is that of the API.
        IsTheApi = "is the API's",
            "give the one that people visit, such as github.com, acme.ghe.com or github.example.com",
        /// One plain http address where a pair is needed.
        HalfAPair = "is a simulator's", "give the addresses of its pages and of its API, separated by a comma",
        /// The host would receive secrets unencrypted.
        PlainHttp = "is plain http",
            "use https (http is for a simulator on localhost or a loopback address only)",
    }
}
