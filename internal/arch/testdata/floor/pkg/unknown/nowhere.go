package unknown
