package bundle

// golden is form, bytes, body id and SHA-256 of one input in each form.
const golden = `sealed 20480 3554bb7b40d97df5 e8540420db685c5f2f2db22753a4c0c5273680f94fe0af9be6bdb07d7eb66bbd
compact 3409 3554bb7b40d97df5 aa85400b68c097c5a899565d18995f6ac038931b9ae9dea680974ad5666e8769
open 20480 89ad9c38c48fc3f7 7cadf91ed9a5f31250109ee964c64f201df29eb1382367b4c8fbbacb2b68e004
`
