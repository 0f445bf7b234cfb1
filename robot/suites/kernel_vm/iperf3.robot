*** Settings ***
Documentation       iperf3 between two kernel VMs over a vhost link.
Resource            acceptance.resource
Resource            ../payloads.resource

Suite Setup         Start Two VMs
Suite Teardown      Tear Down Suite With Sockets


*** Test Cases ***
Iperf3 Runs Between Two VMs
    Iperf3 Should Run Between    server    client

Stopped It Does Not Answer
    Stopped Iperf3 Should Not Answer    server    client


*** Keywords ***
Start Two VMs
    Set Up Suite With Sockets
    Configure Vhost Interfaces    server    ${SOCKETS}/a
    Configure Vhost Interfaces    client    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    Host Testpmd Command    start
    Start Kernel VM    server
    Start Kernel VM    client
