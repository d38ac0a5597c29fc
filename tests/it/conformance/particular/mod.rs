//! What only one vendor does, over real HTTP: requests that are granted once, names that two share, several
//! spellings of nothing.

mod alinea;
mod cryptlex;
mod cryptlex_license;
mod informatica;
mod lac;
mod lac_customer;
mod licensespring;
mod seats;
