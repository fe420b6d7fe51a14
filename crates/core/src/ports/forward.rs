/// Implements a port for `Arc<P>` and `Box<P>` of every implementation `P`, so that decorators and hosts can hold a port in
/// either. Lists all methods, which `clippy::missing_trait_methods` checks.
macro_rules! forward {
    ($port:ident {
        $(async fn $method:ident $(<$lifetime:lifetime>)? (&self $(, $argument:ident: $kind:ty)* $(,)?) -> $output:ty;)*
    } $({
        $(fn $plain:ident (&self $(, $given:ident: $given_kind:ty)* $(,)?) $(-> $returned:ty)?;)*
    })?) => {
        forward!(@pointer Arc $port {
            $(async fn $method $(<$lifetime>)? (&self $(, $argument: $kind)*) -> $output;)*
        } { $($(fn $plain (&self $(, $given: $given_kind)*) $(-> $returned)?;)*)? });
        forward!(@pointer Box $port {
            $(async fn $method $(<$lifetime>)? (&self $(, $argument: $kind)*) -> $output;)*
        } { $($(fn $plain (&self $(, $given: $given_kind)*) $(-> $returned)?;)*)? });
    };
    (@pointer $pointer:ident $port:ident {
        $(async fn $method:ident $(<$lifetime:lifetime>)? (&self $(, $argument:ident: $kind:ty)*) -> $output:ty;)*
    } {
        $(fn $plain:ident (&self $(, $given:ident: $given_kind:ty)*) $(-> $returned:ty)?;)*
    }) => {
        #[::async_trait::async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<P: $port + ?Sized> $port for $pointer<P> {
            $(async fn $method $(<$lifetime>)? (&self $(, $argument: $kind)*) -> $output {
                (**self).$method($($argument),*).await
            })*
            $(fn $plain(&self $(, $given: $given_kind)*) $(-> $returned)? {
                (**self).$plain($($given),*)
            })*
        }
    };
}

pub(crate) use forward;
