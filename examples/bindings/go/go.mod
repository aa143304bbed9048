module emqxtls

go 1.19
