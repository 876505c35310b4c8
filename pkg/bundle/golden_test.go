package bundle

// golden is form, bytes, body id and SHA-256 of one input in each form.
const golden = `sealed 20480 a14040061c835cfb b3f25c2e58c2173238d6c975a3fe6c6a3dc922094ac5a5c77bd09febafa4d164
compact 3409 a14040061c835cfb 087cea6e70ad96bece6150f414ffd91580d3ade2ce9b0861d360b92caae9f30b
open 20480 f23d785d2612b5b4 5a40c594b2dc3cee535472db24259b2dfb80b2a5546538766e0235794f5cc754
`
