//! The attribute of `rimward-filter`; use it from there.

use proc_macro::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, ImplItem, ItemImpl, parse_macro_input};

/// The methods of `Filter` that are phases. A component exports those that it implements and no others.
const PHASES: [&str; 8] = [
    "request",
    "request_body",
    "origin_request",
    "origin_response",
    "origin_response_body",
    "response",
    "response_body",
    "log",
];

/// Makes the component export a filter: put it on `impl Filter for …`, once in a crate.
///
/// The edge calls only the phases that are written in the block. The others cost nothing.
#[proc_macro_attribute]
pub fn export(_: TokenStream, item: TokenStream) -> TokenStream {
    let block = parse_macro_input!(item as ItemImpl);
    expand(&block)
        .unwrap_or_else(|error| {
            let error = error.to_compile_error();
            quote!(#block #error)
        })
        .into()
}

fn expand(block: &ItemImpl) -> syn::Result<proc_macro2::TokenStream> {
    if block.trait_.is_none() || !block.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &block.self_ty,
            "`#[export]` stands on `impl Filter for …`, of a type without parameters",
        ));
    }
    let filter = &block.self_ty;
    let exports = implemented(block).into_iter().map(|module| {
        quote!(
            ::rimward_filter::exports::#module::export!(
                Exported with_types_in ::rimward_filter::exports::#module
            );
        )
    });
    Ok(quote!(
        #block

        impl ::rimward_filter::exports::Instance for #filter {
            fn slot() -> &'static ::std::thread::LocalKey<::core::cell::RefCell<Option<Self>>> {
                ::std::thread_local! {
                    static SLOT: ::core::cell::RefCell<Option<#filter>> =
                        const { ::core::cell::RefCell::new(None) };
                }
                &SLOT
            }
        }

        const _: () = {
            type Exported = ::rimward_filter::exports::Exported<#filter>;
            #(#exports)*
        };
    ))
}

/// The modules that export what the block has. `new` is always there, and is what the edge calls to configure an instance.
fn implemented(block: &ItemImpl) -> Vec<syn::Ident> {
    let mut modules = vec![format_ident!("lifecycle")];
    for item in &block.items {
        let ImplItem::Fn(function) = item else {
            continue;
        };
        let name = function.sig.ident.to_string();
        if PHASES.contains(&name.as_str()) {
            modules.push(format_ident!("on_{name}", span = function.sig.ident.span()));
        }
    }
    modules
}
